/** From this width on there is room for a third pane, and the sessions are in the rail. The same as in design/layout.css. */
const WIDE = "(min-width: 1200px)";

class Media {
  #query = matchMedia(WIDE);
  wide = $state(this.#query.matches);

  constructor() {
    this.#query.addEventListener("change", (event) => (this.wide = event.matches));
  }
}

/** What the window has room for. */
export const media = new Media();
