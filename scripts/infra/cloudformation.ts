/**
 * Holds a CloudFormation template against AWS's own specification of every resource type, offline: types that there are
 * not, properties that a type does not have, required ones that are missing, values of another kind. `osls` looks at none
 * of it.
 */

import { loadAwsServiceSpecSync } from "@aws-cdk/aws-service-spec";

type SpecDatabase = ReturnType<typeof loadAwsServiceSpecSync>;
type ResourceProperties = NonNullable<ReturnType<typeof resourceOf>>["properties"];
type Property = ResourceProperties[string];
type PropertyType = Property["type"];

/** A template, as far as it is looked at. */
export interface Template {
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties?: unknown }>>;
}

/** Attributes of a resource beside its properties. */
const ATTRIBUTES = new Set([
  "Type",
  "Properties",
  "DependsOn",
  "Condition",
  "Metadata",
  "CreationPolicy",
  "UpdatePolicy",
  "DeletionPolicy",
  "UpdateReplacePolicy",
]);

/** It takes a second to read. */
let loaded: SpecDatabase | undefined;

/** What is wrong, a sentence each that begins with the place; empty where nothing is. */
export function templateProblems(template: Template): string[] {
  loaded ??= loadAwsServiceSpecSync();
  const specification = loaded;
  return Object.entries(template.Resources).flatMap(([name, resource]) => {
    const known = resourceOf(specification, resource.Type);
    if (!known) return [`${name}: there is no resource type ${resource.Type}.`];
    const strange = Object.keys(resource).filter((key) => !ATTRIBUTES.has(key));
    return [
      ...strange.map((key) => `${name}: a resource has no ${key}.`),
      ...new Walk(specification).properties(known.properties, resource.Properties ?? {}, name),
    ];
  });
}

function resourceOf(specification: SpecDatabase, type: string) {
  return specification.lookup("resource", "cloudFormationType", "equals", type)[0];
}

class Walk {
  readonly #specification: SpecDatabase;

  constructor(specification: SpecDatabase) {
    this.#specification = specification;
  }

  properties(known: ResourceProperties, given: unknown, place: string): string[] {
    if (isFunction(given)) return [];
    if (!isObject(given)) return [`${place}: it must be an object.`];
    const missing = Object.entries(known)
      .filter(([name, { required }]) => required && !(name in given))
      .map(([name]) => `${place}: ${name} is missing.`);
    const wrong = Object.entries(given).flatMap(([name, value]) => {
      const property: Property | undefined = known[name];
      return property
        ? this.#value(property.type, value, `${place}.${name}`)
        : [`${place}: there is no property ${name}.`];
    });
    return [...missing, ...wrong];
  }

  #value(type: PropertyType, value: unknown, place: string): string[] {
    if (isFunction(value)) return [];
    switch (type.type) {
      case "ref":
        return this.properties(
          this.#specification.get("typeDefinition", type.reference).properties,
          value,
          place,
        );
      case "array":
        if (!Array.isArray(value)) return [`${place}: it must be a list.`];
        return value.flatMap((one, i) => this.#value(type.element, one, `${place}.${i}`));
      case "map":
        if (!isObject(value)) return [`${place}: it must be an object.`];
        return Object.entries(value).flatMap(([key, one]) =>
          this.#value(type.element, one, `${place}.${key}`),
        );
      case "union": {
        const attempts = type.types.map((one) => this.#value(one, value, place));
        return attempts.some((problems) => problems.length === 0) ? [] : (attempts[0] ?? []);
      }
      case "string":
      case "number":
      case "integer":
      case "boolean":
        return isScalar(type.type, value) ? [] : [`${place}: it must be of type ${type.type}.`];
      default:
        return [];
    }
  }
}

/** CloudFormation turns strings into numbers and truth values and back. */
function isScalar(type: "string" | "number" | "integer" | "boolean", value: unknown): boolean {
  if (type === "string") return ["string", "number", "boolean"].includes(typeof value);
  if (type === "boolean") return typeof value === "boolean" || value === "true" || value === "false";
  const number = typeof value === "string" && value !== "" ? Number(value) : value;
  return type === "integer"
    ? Number.isInteger(number)
    : typeof number === "number" && Number.isFinite(number);
}

/** `Ref`, `Fn::GetAtt` and the like: what they give is known at the deployment only. */
function isFunction(value: unknown): boolean {
  const keys = isObject(value) ? Object.keys(value) : [];
  return keys.length === 1 && (keys[0] === "Ref" || (keys[0]?.startsWith("Fn::") ?? false));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
