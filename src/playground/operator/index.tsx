/** What only who runs the server sees. @param path what follows `#/operator/` */
export function Operator({ path }: { readonly path: string }) {
  return <h1>Operator {path}</h1>;
}
