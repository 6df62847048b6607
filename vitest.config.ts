import { configDefaults, defineConfig } from "vitest/config";
import SummaryReporter from "./test/support/summary-reporter.ts";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "node",
          include: ["src/**/*.test.ts", "test/**/*.test.ts", "bench/**/*.test.ts"],
          exclude: [...configDefaults.exclude, "test/edge/**"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      // In workerd.
      "test/edge/vitest.config.ts",
    ],
    // Inference uses the cores itself: more workers than two would only make it slower.
    maxWorkers: 2,
    reporters: ["default", new SummaryReporter()],
  },
});
