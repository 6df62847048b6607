import { useEffect, useRef } from "preact/hooks";
import { run } from "./generate/runs.ts";
import { route } from "./location.ts";
import { Operator } from "./operator/index.tsx";
import { Icon } from "./parts/icons.tsx";
import { hashOf, type Route } from "./route.ts";
import { apiKey, greetServer, server } from "./session.ts";
import { RunAnnouncer } from "./stage/run-stage.tsx";
import { nextTheme, type Theme, theme } from "./theme.ts";
import { CompareView } from "./views/compare.tsx";
import { CreateView } from "./views/create.tsx";
import { HistoryView } from "./views/history.tsx";
import { VideoView } from "./views/video.tsx";

/** The page: its frame, and what the address asks for within it. */
export function App() {
  useArrival();
  return (
    <>
      <button type="button" class="skip" onClick={skip}>
        To the content
      </button>
      <Header />
      <main id="content" tabIndex={-1}>
        <View />
      </main>
      <RunAnnouncer state={run.value} />
    </>
  );
}

const TITLES: Readonly<Record<Route["name"], string>> = {
  create: "Create",
  history: "History",
  video: "Video",
  compare: "Compare",
  operator: "Account",
};

/** Whoever goes to another view begins at its top, with the keyboard and with a screen reader too. */
function useArrival(): void {
  const place = route.value;
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${TITLES[place.name]} · mixcache`;
    if (!isFirst.current) {
      document.getElementById("content")?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    isFirst.current = false;
  }, [place]);
}

/** No link: the fragment is the route. */
function skip(): void {
  document.getElementById("content")?.focus();
}

function View() {
  const place = route.value;
  switch (place.name) {
    case "create":
      return <CreateView />;
    case "history":
      return <HistoryView />;
    case "video":
      return <VideoView key={place.id} id={place.id} />;
    case "compare":
      return <CompareView reference={place.reference} other={place.other} />;
    case "operator":
      return <Operator path={place.path} />;
  }
}

const LINKS: readonly { readonly route: Route; readonly label: string }[] = [
  { route: { name: "create" }, label: "Create" },
  { route: { name: "history" }, label: "History" },
  { route: { name: "compare", reference: "", other: "" }, label: "Compare" },
  { route: { name: "operator", path: "" }, label: "Account" },
];

function Header() {
  const links = LINKS.filter((link) => link.route.name !== "operator" || server.value.is !== "absent");
  return (
    <header class="page-header">
      <a class="wordmark" href={hashOf({ name: "create" })}>
        <Mark />
        mixcache
      </a>
      <nav aria-label="Views">
        {links.map(({ route: to, label }) => (
          <a key={label} href={hashOf(to)} aria-current={route.value.name === to.name ? "page" : undefined}>
            {label}
          </a>
        ))}
      </nav>
      <div class="page-tools">
        {apiKey.value !== undefined && (
          <button type="button" class="quiet" onClick={forgetKey}>
            Forget key
          </button>
        )}
        <ThemeButton />
      </div>
    </header>
  );
}

function forgetKey(): void {
  apiKey.value = undefined;
  void greetServer();
}

/** The columns of a timeline, as a sign. */
function Mark() {
  return (
    <svg class="mark-sign" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <rect x="2" y="3" width="3.5" height="18" rx="1.2" />
      <rect x="7.5" y="12" width="3.5" height="9" rx="1.2" opacity="0.75" />
      <rect x="13" y="17.5" width="3.5" height="3.5" rx="1.2" opacity="0.55" />
      <rect x="18.5" y="3" width="3.5" height="18" rx="1.2" />
    </svg>
  );
}

const THEME_LOOKS: Readonly<
  Record<Theme, { readonly icon: "contrast" | "sun" | "moon"; readonly label: string }>
> = {
  auto: { icon: "contrast", label: "as the system" },
  light: { icon: "sun", label: "light" },
  dark: { icon: "moon", label: "dark" },
};

function ThemeButton() {
  const { icon, label } = THEME_LOOKS[theme.value];
  const change = () => {
    theme.value = nextTheme(theme.value);
  };
  return (
    <button
      type="button"
      class="quiet"
      aria-label={`Colours: ${label}. Change`}
      title={`Colours: ${label}`}
      onClick={change}
    >
      <Icon name={icon} />
    </button>
  );
}
