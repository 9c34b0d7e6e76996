"""Drawing of frames: crops, backgrounds and overlays in YUV, and the poster."""
