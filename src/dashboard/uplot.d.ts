// The charts' library, under the name that the page is served it.
export { default } from 'uplot';
