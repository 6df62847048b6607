/**
 * Ways to make a server send something where its operator would not have it: addresses of inner networks and of clouds'
 * metadata in every notation, names that lead there, and URLs that are read differently by different readers. None of
 * them may cause a connection. Sources: RFC 6890 and its registry, WHATWG URL, lists of PayloadsAllTheThings and OWASP.
 */

/** One of them. */
export interface SsrfCase {
  readonly name: string;
  /** Begins with `https://` where the case is not about the scheme. */
  readonly url: string;
  /** What its name leads to; without it every name leads to a public address. */
  readonly resolves?: readonly string[];
}

/** What a name leads to where a case says nothing: refusing must not depend on it. */
export const PUBLIC_ADDRESS = "93.184.215.14";

const TARGETS = [
  "127.0.0.1",
  "10.0.0.1",
  "172.16.0.1",
  "192.168.1.1",
  "169.254.169.254",
  "100.100.100.200",
  "168.63.129.16",
  "0.0.0.0",
] as const;

type Bytes = readonly [number, number, number, number];

const bytesOf = (address: string) => address.split(".").map(Number) as unknown as Bytes;
const numberOf = ([a, b, c, d]: Bytes) => a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
const hex = (value: number, digits = 2) => value.toString(16).padStart(digits, "0");
const groups = ([a, b, c, d]: Bytes) => `${hex(a)}${hex(b)}:${hex(c)}${hex(d)}`;
const inverted = ([a, b, c, d]: Bytes) => groups([255 - a, 255 - b, 255 - c, 255 - d]);
const fullwidth = (text: string) =>
  text.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit)));
const circled = (text: string) =>
  text.replace(/[1-9]/g, (digit) => String.fromCharCode(0x2460 + Number(digit) - 1));

/** Ways to write an IPv4 address as the host of a URL. */
const NOTATIONS: Readonly<Record<string, (address: string, bytes: Bytes) => string>> = {
  dotted: (address) => address,
  "with a dot at the end": (address) => `${address}.`,
  decimal: (_, bytes) => String(numberOf(bytes)),
  hexadecimal: (_, bytes) => `0x${hex(numberOf(bytes), 8)}`,
  octal: (_, bytes) => `0${numberOf(bytes).toString(8)}`,
  "hexadecimal parts": (_, bytes) => bytes.map((byte) => `0x${hex(byte)}`).join("."),
  "octal parts": (_, bytes) => bytes.map((byte) => `0${byte.toString(8)}`).join("."),
  "octal parts with zeros before": (_, bytes) => bytes.map((byte) => `0000${byte.toString(8)}`).join("."),
  "mixed parts": (_, [a, b, c, d]) => `0x${hex(a)}.${b}.0${c.toString(8)}.${d}`,
  "three parts": (_, [a, b, c, d]) => `${a}.${b}.${c * 256 + d}`,
  "two parts": (_, [a, b, c, d]) => `${a}.${b * 65_536 + c * 256 + d}`,
  "two hexadecimal parts": (_, [a, b, c, d]) => `0x${hex(a)}.0x${hex(b)}${hex(c)}${hex(d)}`,
  "fullwidth digits": (address) => fullwidth(address),
  "circled digits": (address) => circled(address),
  "ideographic dots": (address) => address.replaceAll(".", "。"),
  "percent-encoded": (address) => address.replace(/\d/g, (digit) => `%3${digit}`),
  "IPv4-mapped IPv6": (address) => `[::ffff:${address}]`,
  "IPv4-mapped IPv6 in hexadecimal": (_, bytes) => `[::ffff:${groups(bytes)}]`,
  "IPv4-mapped IPv6 in full": (_, bytes) => `[0:0:0:0:0:FFFF:${groups(bytes)}]`,
  "IPv4-compatible IPv6": (address) => `[::${address}]`,
  "translated (RFC 6145)": (address) => `[::ffff:0:${address}]`,
  "NAT64 (RFC 6052)": (address) => `[64:ff9b::${address}]`,
  "local NAT64 (RFC 8215)": (_, bytes) => `[64:ff9b:1::${groups(bytes)}]`,
  "6to4": (_, bytes) => `[2002:${groups(bytes)}::1]`,
  Teredo: (_, bytes) => `[2001:0:5ef5:79fb:0:0:${inverted(bytes)}]`,
  ISATAP: (_, bytes) => `[2606:4700::5efe:${groups(bytes)}]`,
};

/** Literals that are more than a notation of another. */
const HOSTS = [
  "127.1",
  "127.127.127.127",
  "0",
  "0x0",
  "10.255.255.255",
  "172.31.255.255",
  "192.168.255.255",
  "169.254.0.1",
  "169.254.170.2",
  "169.254.170.23",
  "100.64.0.1",
  "192.0.0.1",
  "192.0.0.192",
  "192.0.2.1",
  "192.88.99.1",
  "198.18.0.1",
  "198.51.100.1",
  "203.0.113.1",
  "224.0.0.1",
  "239.255.255.250",
  "240.0.0.1",
  "255.255.255.255",
  "[::]",
  "[::1]",
  "[0:0:0:0:0:0:0:1]",
  "[fe80::1]",
  "[fe80::1%25eth0]",
  "[fe80::1%eth0]",
  "[febf::1]",
  "[fec0::1]",
  "[fc00::1]",
  "[fd00::1]",
  "[fd00:ec2::254]",
  "[fd00:ec2::23]",
  "[fd20:ce::254]",
  "[ff02::1]",
  "[ff0e::1]",
  "[100::1]",
  "[2001:db8::1]",
  "[2001:2::1]",
  "[2001:10::1]",
  "[2001:20::1]",
  "[3fff::1]",
  "[4000::1]",
  "[5f00::1]",
  "[::ffff:7f00:1]",
  "localhost",
  "LOCALHOST",
  "localhost.",
  "localhost.localdomain",
  "a.localhost",
  "ｌｏｃａｌｈｏｓｔ",
  "ⓛocalhost",
  "printer.local",
  "metadata",
  "metadata.google.internal",
  "metadata.google.internal.",
  "instance-data",
  "instance-data.ec2.internal",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
  "vault.corp",
  "nas.lan",
  "router.home.arpa",
  "host.docker.internal",
  "db",
] as const;

/** Whole URLs: other schemes, users, ports, and what parsers disagree about. */
const URLS = [
  "http://169.254.169.254/latest/meta-data/",
  "http:127.0.0.1",
  "https:\\\\127.0.0.1\\",
  "https://127.0.0.1\\@hooks.example.com/",
  "https://hooks.example.com@127.0.0.1/",
  "https://hooks.example.com:443@127.0.0.1/",
  "https://127.0.0.1#@hooks.example.com/",
  "https://127.0.0.1?@hooks.example.com/",
  "https://user@hooks.example.com/",
  "https://user:password@hooks.example.com/",
  "https://:@127.0.0.1/",
  "https://127.0.0.1:443/",
  "https://127.0.0.1:8443/",
  "https://[::1]:443/",
  "https://hooks.example.com:22/",
  "https://hooks.example.com:25/",
  "https://hooks.example.com:6379/",
  "https://hooks.example.com:9200/",
  "https://hooks.example.com:11211/",
  "https://hooks.example.com:65535/",
  "https://hooks.example.com:65536/",
  "https://127.0.0.1\t/",
  "https://127.0.\n0.1/",
  " https://127.0.0.1/",
  "https:///127.0.0.1/",
  "https:/127.0.0.1/",
  "//127.0.0.1/",
  "127.0.0.1",
  "",
  "https://",
  "https://1.2.3.4.5/",
  "https://0x7f.0x0.0x0.0x100/",
  "https://256.256.256.256/",
  "https://[::1/",
  "https://[::1]x/",
  "https://[::ffff:127.0.0.1%25lo]/",
  "file:///etc/passwd",
  "ftp://127.0.0.1/",
  "gopher://127.0.0.1:6379/_INFO",
  "dict://127.0.0.1:11211/stat",
  "ldap://127.0.0.1/",
  "ws://127.0.0.1/",
  "wss://hooks.example.com/",
  "javascript:alert(1)",
  "data:text/plain,hello",
  "blob:https://127.0.0.1/x",
  "unix:/var/run/docker.sock",
  "jar:https://127.0.0.1!/",
] as const;

/** What a public name leads to, one address or several. */
const RESOLVED: readonly (readonly string[])[] = [
  ["127.0.0.1"],
  ["127.8.8.8"],
  ["10.1.2.3"],
  ["172.20.0.5"],
  ["192.168.0.10"],
  ["169.254.169.254"],
  ["169.254.170.2"],
  ["100.64.1.1"],
  ["100.100.100.200"],
  ["168.63.129.16"],
  ["192.0.0.192"],
  ["0.0.0.0"],
  ["255.255.255.255"],
  ["224.0.0.251"],
  ["198.18.5.5"],
  ["::1"],
  ["::"],
  ["::ffff:127.0.0.1"],
  ["::ffff:169.254.169.254"],
  ["::127.0.0.1"],
  ["64:ff9b::7f00:1"],
  ["64:ff9b:1::a9fe:a9fe"],
  ["2002:7f00:1::"],
  ["2002:a9fe:a9fe::1"],
  ["2001:0:5ef5:79fb::5601:5601"],
  ["2606:4700::5efe:7f00:1"],
  ["2606:4700::200:5efe:a00:1"],
  ["fe80::1"],
  ["fe80::1%eth0"],
  ["fd00:ec2::254"],
  ["fd12:3456:789a::1"],
  ["ff02::1"],
  ["2001:db8::1"],
  [PUBLIC_ADDRESS, "127.0.0.1"],
  ["127.0.0.1", PUBLIC_ADDRESS],
  [PUBLIC_ADDRESS, "::1"],
  ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "fd00:ec2::254"],
  [PUBLIC_ADDRESS, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "10.0.0.1"],
  [],
  ["not an address"],
  ["127.0.0.1:443"],
  ["0x7f000001"],
  ["2130706433"],
];

/** Names of services that answer with the address that is in them. */
const REBINDING_NAMES = [
  "127.0.0.1.nip.io",
  "7f000001.rbndr.us",
  "localtest.me",
  "spoofed.burpcollaborator.net",
];

/** All of them. */
export const SSRF_CORPUS: readonly SsrfCase[] = [
  ...TARGETS.flatMap((address) =>
    Object.entries(NOTATIONS).map(([name, write]) => ({
      name: `${address}, ${name}`,
      url: `https://${write(address, bytesOf(address))}/hook`,
    })),
  ),
  ...HOSTS.map((host) => ({ name: `host ${host}`, url: `https://${host}/hook` })),
  ...URLS.map((url) => ({ name: `URL ${JSON.stringify(url)}`, url })),
  ...RESOLVED.map((resolves) => ({
    name: `a name of ${resolves.join(" and ") || "nothing"}`,
    url: "https://hooks.example.com/hook",
    resolves,
  })),
  ...REBINDING_NAMES.map((host) => ({
    name: `${host}, as it resolves`,
    url: `https://${host}/hook`,
    resolves: ["127.0.0.1"],
  })),
];
