/**
 * A Lambda function behind a streaming Function URL, as AWS's runtime calls it: events of payload format 2.0, and the
 * global `awslambda` that takes a response apart into its head and a stream. Set up before the handler is imported.
 */

import { Writable } from "node:stream";

/** The head of an answer. */
export interface Head {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
}

/** What came, as far as it has come. */
export class ResponseStream extends Writable {
  readonly #head = Promise.withResolvers<Head>();
  readonly #chunks: Buffer[] = [];
  readonly #waiting = new Set<() => void>();

  /** Resolves before the first byte of the body. */
  get head(): Promise<Head> {
    return this.#head.promise;
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  get json(): Record<string, unknown> {
    return JSON.parse(this.text);
  }

  /** Resolves as soon as the text has come, while the rest may still be coming. */
  async until(text: string): Promise<void> {
    while (!this.text.includes(text)) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  begin(head: Head): void {
    this.#head.resolve(head);
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    for (const tell of this.#waiting) tell();
    this.#waiting.clear();
    done();
  }
}

type Handler = (event: object, response: ResponseStream, context: object) => Promise<void>;

/** Makes the runtime's global. @returns what removes it */
export function installRuntime(): () => void {
  const HttpResponseStream = {
    from: (response: ResponseStream, head: Head) => {
      response.begin(head);
      return response;
    },
  };
  const runtime = { streamifyResponse: (handler: Handler) => handler, HttpResponseStream };
  Object.assign(globalThis, { awslambda: runtime });
  return () => void Reflect.deleteProperty(globalThis, "awslambda");
}

export interface UrlRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const HOST = "abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-central-1.on.aws";

/** https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads */
function eventOf({ method, url, headers = {}, body }: UrlRequest): object {
  const { pathname, search } = new URL(url, `https://${HOST}`);
  const queryStringParameters = Object.fromEntries(new URLSearchParams(search));
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: pathname,
    rawQueryString: search.slice(1),
    ...(search !== "" && { queryStringParameters }),
    headers: {
      host: HOST,
      "x-forwarded-proto": "https",
      "x-forwarded-port": "443",
      "x-forwarded-for": "203.0.113.7",
      "x-amzn-trace-id": "Root=1-6749b6f4-2f1a7c0d5e8b9a3c4d6e7f80",
      ...headers,
    },
    requestContext: {
      accountId: "anonymous",
      apiId: HOST.split(".")[0],
      domainName: HOST,
      domainPrefix: HOST.split(".")[0],
      http: { method, path: pathname, protocol: "HTTP/1.1", sourceIp: "203.0.113.7", userAgent: "test" },
      requestId: "5f1c7d0e-8a43-4f7e-9d5c-1b2a3c4d5e6f",
      routeKey: "$default",
      stage: "$default",
      time: "28/Nov/2026:12:00:00 +0000",
      timeEpoch: 1_795_867_200_000,
    },
    // What is not known to be text comes in Base64.
    ...(body !== undefined && { body: Buffer.from(body).toString("base64") }),
    isBase64Encoded: body !== undefined,
  };
}

/** Calls the function; the answer comes while it runs. */
export function invoke(
  handler: unknown,
  request: UrlRequest,
): { response: ResponseStream; ended: Promise<void> } {
  const response = new ResponseStream();
  const context = { functionName: "api", awsRequestId: "1", getRemainingTimeInMillis: () => 30_000 };
  return { response, ended: (handler as Handler)(eventOf(request), response, context) };
}
