"""What a reader would otherwise have used for the same work, each as well set up as it can be."""
