import type { Component } from 'svelte';
import DemoPage from './pages/DemoPage.svelte';
import OwnDataPage from './pages/OwnDataPage.svelte';
import RecipesPage from './pages/RecipesPage.svelte';
import ResultsPage from './pages/ResultsPage.svelte';
import type { Route } from './state/route.svelte.ts';
import type { Studio } from './state/studio.svelte.ts';
import type { Theme } from './state/theme.svelte.ts';

interface Screen {
  /** In its address: `#own-data`. */
  readonly name: string;
  /** In the navigation and the title of the document. */
  readonly title: string;
  readonly component: Component<{ studio: Studio; route: Route; theme: Theme }>;
}

/** In the order of the navigation. The first is shown where an address names none of them. */
export const screens: readonly [Screen, ...Screen[]] = [
  { name: 'demo', title: 'Demo', component: DemoPage },
  { name: 'own-data', title: 'Own data', component: OwnDataPage },
  { name: 'recipes', title: 'Recipes', component: RecipesPage },
  { name: 'results', title: 'Results', component: ResultsPage },
];
