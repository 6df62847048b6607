import { render } from "preact";
import { App } from "./app.tsx";
import { followLocation } from "./location.ts";

const root = document.getElementById("app");
followLocation();
if (root) render(<App />, root);
