/** Type of the resource that holds, in a stack's state, where its environment is. */
export const placeType = "safe-migration:index:Place";
