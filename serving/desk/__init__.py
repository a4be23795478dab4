"""What supervisors look at: pictures as inline SVG, and pages made of them."""
