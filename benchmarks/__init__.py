"""What regenerates every figure that the project publishes; results lie beside it as JSON."""
