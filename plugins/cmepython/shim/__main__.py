"""What cmed starts for one call of an old module: see cmedbridge."""

if __name__ == "__main__":
    from cmedbridge import calls

    calls.main()
