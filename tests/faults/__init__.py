"""What can go wrong between us and Lever goes wrong here, on purpose; then everything is counted.

run.py drives, world.py invents and remembers, proxy.py spoils requests and answers, worker.py is
the product's worker with moments to die at, compare.py judges, naive.py must fail.
"""
