// The reactive side of the router: the current route, and how to change it.
import { parseHash, type Route } from './router';

class Location {
  route = $state.raw<Route>(parseHash(window.location.hash));

  constructor() {
    window.addEventListener('hashchange', () => {
      this.route = parseHash(window.location.hash);
    });
  }

  /** Changes the address without a history entry: typing into a filter must not flood "back". */
  replace(hash: string): void {
    if (window.location.hash === hash) return;
    window.history.replaceState(null, '', hash);
    this.route = parseHash(hash);
  }
}

export const location = new Location();
