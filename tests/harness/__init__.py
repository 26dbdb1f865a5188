"""What the end-to-end tests, the demo and the benchmark share: real processes, and a client that behaves like a browser."""
