"""Where the GPU is: readers, tasks and the network."""
