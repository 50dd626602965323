"""Every verdict kept: inspections with their evidence, what people said of them, and a chain that shows tampering."""
