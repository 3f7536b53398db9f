"""All SQL, one file per noun. Functions take a session; none commits."""
