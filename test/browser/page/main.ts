/** The page of the tests of `mixcache/web`: what they call lies on the window. */

import * as web from "../../../src/browser/index.ts";
import { pureOutputs } from "../../support/pure-parts.ts";
import { liveRunOn } from "./live.ts";

/** What a test finds in the page. */
const tested = { ...web, liveRunOn, pureOutputs };
export type Tested = typeof tested;

declare global {
  interface Window {
    tested: Tested;
  }
}

window.tested = tested;
