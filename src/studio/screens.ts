import type { Component } from 'svelte';
import DemoPage from './pages/DemoPage.svelte';
import type { Route } from './state/route.svelte.ts';
import type { Studio } from './state/studio.svelte.ts';
import type { Theme } from './state/theme.svelte.ts';

interface Screen {
  /** In its address: `#own-data`. */
  readonly name: string;
  /** In the navigation and the title of the document. */
  readonly title: string;
  readonly load: () => Promise<{ readonly default: Component<ScreenProps> }>;
}

/** A type alias, so that it is assignable to a record. */
export type ScreenProps = { studio: Studio; route: Route; theme: Theme };

/** In the order of the navigation. The first is shown where an address names none of them, and is part of the first load. */
export const screens: readonly [Screen, ...Screen[]] = [
  { name: 'demo', title: 'Demo', load: () => Promise.resolve({ default: DemoPage }) },
  { name: 'own-data', title: 'Own data', load: () => import('./pages/OwnDataPage.svelte') },
  { name: 'recipes', title: 'Recipes', load: () => import('./pages/RecipesPage.svelte') },
  { name: 'results', title: 'Results', load: () => import('./pages/ResultsPage.svelte') },
  { name: 'help', title: 'Help', load: () => import('./pages/HelpPage.svelte') },
];
