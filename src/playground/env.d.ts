/** What Vite adds to `import.meta`, of which the page uses this alone. */
interface ImportMeta {
  /** The modules that match, by their paths. https://vite.dev/guide/features#glob-import */
  glob<T>(
    pattern: string,
    options: { readonly eager: true; readonly import: "default" },
  ): Readonly<Record<string, T>>;
  glob<T>(pattern: string): Readonly<Record<string, () => Promise<T>>>;
}

/** Styles are for the bundler. */
declare module "*.css" {}
