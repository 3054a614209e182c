"""What modules of the Chaos Monkey Engine import, written anew for cmed."""
