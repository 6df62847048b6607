import { route } from "./location.ts";
import { Operator } from "./operator/index.tsx";

/** The page: its frame, and what the address asks for within it. */
export function App() {
  return (
    <main id="content">
      <View />
    </main>
  );
}

function View() {
  const place = route.value;
  switch (place.name) {
    case "create":
      return <h1>Create</h1>;
    case "history":
      return <h1>History</h1>;
    case "video":
      return <h1>{place.id}</h1>;
    case "compare":
      return <h1>Compare</h1>;
    case "operator":
      return <Operator path={place.path} />;
  }
}
