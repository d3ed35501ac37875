#!/usr/bin/env bash
# Lo común de los scripts de migración: el entorno, y qué decir cuando un paso falla.

# Entorno elegido; lo usan los scripts en sus mensajes.
entorno=""

# Con --help muestra el comentario con que empieza el script, que dice cómo se usa, y termina.
ayuda() {
  local script="$1" argumento
  shift
  for argumento in "$@"; do
    if [[ "${argumento}" == --help || "${argumento}" == -h ]]; then
      sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "${script}"
      exit 0
    fi
  done
}

# Rechaza lo que sobra, antes de tocar nada.
sobra() {
  if [[ -n "${1:-}" ]]; then
    echo "❌ Opción desconocida: $1. Las que hay: $0 --help" >&2
    echo "   Estado: no se ha tocado nada." >&2
    exit 2
  fi
}

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
