/** Ends a test run with what was skipped, by name, and one plain line of counts. */

import type { Reporter, TestCase, TestModule } from "vitest/node";

export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const cases = modules.flatMap((module) =>
      [...module.children.allTests()].map((test) => ({ module, test })),
    );
    const count = (state: ReturnType<TestCase["result"]>["state"]) =>
      cases.filter(({ test }) => test.result().state === state).length;
    // A file that does not even load has no tests, but it is a failure all the same.
    const broken = modules.filter((module) => module.errors().length > 0).length;
    for (const { module, test } of cases) {
      if (test.result().state === "skipped")
        console.log(`skipped: ${module.relativeModuleId}: ${test.fullName}`);
    }
    console.log(`${count("passed")} passed, ${count("failed") + broken} failed, ${count("skipped")} skipped`);
  }
}
