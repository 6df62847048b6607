/** What the tests use of workerd's own modules; its whole types would stand against those of Node. */
declare module "cloudflare:workers" {
  /** The Worker's entry points. */
  export const exports: { readonly default: { fetch(request: Request): Promise<Response> } };
}
