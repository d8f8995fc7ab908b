"""What MLflow's own pages show: views and summaries."""
