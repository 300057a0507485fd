from nomdecode.cli import main

main()
