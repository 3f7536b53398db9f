"""`python -m evalsvc.worker`."""

from evalsvc.worker.main import main

if __name__ == "__main__":  # engines start children that import this module again
    main()
