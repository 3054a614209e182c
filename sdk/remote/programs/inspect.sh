# Says what lies at the path.
occupant
