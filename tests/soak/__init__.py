"""Load: many streams at once, memory, clients that leave, full disks. Run by `./run.sh test soak` alone: it takes its time."""
