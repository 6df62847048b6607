import { render } from "preact";
import { App } from "./app.tsx";
import { followLocation } from "./location.ts";
import { keepPage } from "./offline.ts";

const root = document.getElementById("app");
followLocation();
void keepPage();
if (root) render(<App />, root);
