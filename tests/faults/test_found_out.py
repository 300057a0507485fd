"""What should not happen does happen where it can, and the harness finds it."""

from pathlib import Path

from faults.test_faults import counted, run


def test_an_exporter_that_never_looks_is_found_out(migrated_cluster: Path) -> None:
    ended, told = run(migrated_cluster, "--n", "40", "--naive")
    assert ended == 1, told
    assert counted(told, "duplicates") + counted(told, "lost") > 0


def test_what_the_window_makes_twice_is_reported(migrated_cluster: Path) -> None:
    ended, told = run(migrated_cluster, "--n", "30", "--window")
    assert ended == 0, told
    assert counted(told, "duplicates") == counted(told, "of them reported by the sweep") > 0
