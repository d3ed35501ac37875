#!/usr/bin/env bash
# Lo común de los scripts de migración: el entorno, y qué decir cuando un paso falla.

# Entorno elegido; lo usan los scripts en sus mensajes.
entorno=""

# Elige el entorno: el argumento, o si no NODE_ENV, o si no el local.
elegir_entorno() {
  case "${1:-${NODE_ENV:-local}}" in
    local | "") entorno=local ;;
    dev | development) entorno=dev ;;
    staging) entorno=staging ;;
    prod | production) entorno=prod ;;
    *)
      echo "❌ Entorno desconocido: ${1:-${NODE_ENV:-}}. Los que hay: local, dev, staging, prod." >&2
      echo "   Estado: no se ha tocado nada." >&2
      exit 2
      ;;
  esac
  case "${entorno}" in
    local) unset NODE_ENV ;;
    dev) export NODE_ENV=development ;;
    staging) export NODE_ENV=staging ;;
    prod) export NODE_ENV=production ;;
  esac
}

# Anota el paso que empieza: nombre, estado en que quedan las cosas si falla, orden que sigue.
paso() {
  paso_actual="$1"
  paso_estado="$2"
  paso_siguiente="$3"
}

# Dice en qué paso se detuvo, en qué estado están las cosas y qué orden sigue; conserva el código de salida.
fallo() {
  local codigo="$1"
  trap - ERR
  {
    echo "❌ Se detuvo en el paso: ${paso_actual:-inicio} (código ${codigo})."
    echo "   Estado: ${paso_estado:-No se ha modificado nada.}"
    echo "   Siguiente: ${paso_siguiente:-Repita la orden.}"
  } >&2
  exit "${codigo}"
}
