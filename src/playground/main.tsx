import { render } from "preact";
import { App } from "./app.tsx";
import { followLocation } from "./location.ts";
import { keepPage } from "./offline.ts";
import { greetServer, openSession } from "./session.ts";
import { openTheme } from "./theme.ts";
import "./styles/index.css";

openTheme();
openSession();
followLocation();
void greetServer();
void keepPage();
const root = document.getElementById("app");
if (root) render(<App />, root);
