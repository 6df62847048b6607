/** The glue on the CPU; `test/webgpu` has it on a GPU. */

import { cpuGlue } from "../../../test/support/cpu-glue.ts";
import { describeGlue } from "../../../test/support/glue-suite.ts";

describeGlue(cpuGlue, 100);
