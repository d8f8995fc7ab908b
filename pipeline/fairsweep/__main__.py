"""`python -m fairsweep …` does what `fairsweep …` does."""

from fairsweep.cli import main

if __name__ == "__main__":
    main()
