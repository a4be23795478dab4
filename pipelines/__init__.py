"""From submissions to alerts: intake, pairing, rules, episodes, and the job that runs them."""
