"""CogVideoX, text to video (diffusers `CogVideoXPipeline`)."""
