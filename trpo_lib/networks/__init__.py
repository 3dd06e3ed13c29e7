"""The two networks: what every policy is, a policy for each of four action spaces, the critic, and their parts."""
