/** The walk over a CloudFormation template: what is misspelt, missing or of another kind is named with its place. */

import { describe, expect, it } from "vitest";
import { templateProblems } from "../../scripts/infra/cloudformation.ts";

function problemsOf(Type: string, Properties: unknown, attributes: object = {}): string[] {
  return templateProblems({ Resources: { It: { Type, Properties, ...attributes } } });
}

describe("a template", () => {
  it("passes with everything that a type has, and with functions in place of values", () => {
    const queue = {
      Priority: 1,
      State: { Ref: "State" },
      ComputeEnvironmentOrder: [{ Order: "1", ComputeEnvironment: { "Fn::GetAtt": ["Workers", "Arn"] } }],
    };
    expect(problemsOf("AWS::Batch::JobQueue", queue, { DependsOn: ["Workers"] })).toEqual([]);
    expect(problemsOf("AWS::S3::Bucket", undefined)).toEqual([]);
  });

  it("has no types that there are not", () => {
    expect(problemsOf("AWS::Batch::JobQueu", {})).toEqual([
      "It: there is no resource type AWS::Batch::JobQueu.",
    ]);
  });

  it("has no properties that a type lacks, however deep", () => {
    expect(problemsOf("AWS::SNS::Topic", { TopicNam: "x" })).toEqual(["It: there is no property TopicNam."]);
    expect(
      problemsOf("AWS::Batch::JobQueue", {
        Priority: 1,
        ComputeEnvironmentOrder: [{ Order: 1, ComputeEnvironment: "x", Ordr: 1 }],
      }),
    ).toEqual(["It.ComputeEnvironmentOrder.0: there is no property Ordr."]);
  });

  it("has every property that is required", () => {
    expect(problemsOf("AWS::Batch::JobQueue", { ComputeEnvironmentOrder: [{ Order: 1 }] })).toEqual([
      "It: Priority is missing.",
      "It.ComputeEnvironmentOrder.0: ComputeEnvironment is missing.",
    ]);
  });

  it("has values of the right kind", () => {
    expect(problemsOf("AWS::Batch::JobQueue", { Priority: "high", ComputeEnvironmentOrder: {} })).toEqual([
      "It.Priority: it must be of type integer.",
      "It.ComputeEnvironmentOrder: it must be a list.",
    ]);
  });

  it("has no attributes that resources lack", () => {
    expect(problemsOf("AWS::SNS::Topic", {}, { DependOn: ["x"] })).toEqual([
      "It: a resource has no DependOn.",
    ]);
  });
});
