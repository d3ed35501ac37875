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

# Elige el entorno: el argumento, o si no NODE_ENV, o si no el local. Los que hay son los que tienen un Pulumi.NOMBRE.yaml.
elegir_entorno() {
  local archivo conocidos=(local)
  case "${1:-${NODE_ENV:-local}}" in
    local | test | "") entorno=local ;;
    development) entorno=dev ;;
    production) entorno=prod ;;
    *) entorno="${1:-${NODE_ENV:-}}" ;;
  esac
  for archivo in Pulumi.*.yaml; do
    archivo="${archivo#Pulumi.}"
    [[ "${archivo}" == local.yaml ]] || conocidos+=("${archivo%.yaml}")
  done
  if [[ " ${conocidos[*]} " != *" ${entorno} "* ]]; then
    echo "❌ Entorno desconocido: ${entorno}. Los que hay: ${conocidos[*]}." >&2
    echo "   Estado: no se ha tocado nada." >&2
    exit 2
  fi
  case "${entorno}" in
    local) unset NODE_ENV ;;
    dev) export NODE_ENV=development ;;
    prod) export NODE_ENV=production ;;
    *) export NODE_ENV="${entorno}" ;;
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
