"""Several heads: what they are, what a merge would make of them, and the two ways back to one."""
