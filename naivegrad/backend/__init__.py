"""Arrays in, arrays out: what computes for a device. Knows nothing of Tensor."""
