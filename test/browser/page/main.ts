/** The page of the tests of `mixcache/web`: what they call lies on the window. */

import * as web from "../../../src/browser/index.ts";
import { pureOutputs } from "../../support/pure-parts.ts";
import { openLive } from "./live.ts";

/** What a test finds in the page. */
const tested = { ...web, openLive, pureOutputs };

declare global {
  interface Window {
    tested: typeof tested;
  }
}

window.tested = tested;
