import path from "node:path";

/** The folder of *Shapes*, the bundle that comes with the package. */
export const EMBEDDED_BUNDLE = path.join(import.meta.dirname, "../../models/shapes");

/** Where its warm cache profiles come along. */
export const EMBEDDED_PROFILES = path.join(import.meta.dirname, "../../models/profiles");
