/** The page's entry. It draws; whatever computes or keeps something lives in the training worker. */
import { mount } from 'svelte';
import App from './App.svelte';
import { Route } from './state/route.svelte.ts';
import { Studio } from './state/studio.svelte.ts';
import { Theme } from './state/theme.svelte.ts';
import './styles/studio.css';

const target = document.getElementById('studio');
if (target === null) throw new Error('index.html has no element #studio');
mount(App, { target, props: { studio: new Studio(), route: new Route(), theme: new Theme() } });
