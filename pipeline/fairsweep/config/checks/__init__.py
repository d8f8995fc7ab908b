"""What must hold of composed settings and no type can say."""
