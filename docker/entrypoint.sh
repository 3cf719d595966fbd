#!/bin/sh
# One image, several processes: web, worker, beat, setup; anything else is run as it stands.
set -eu

# Syncs keep what they have read there until they end, uploads until they are stored
TMPDIR="${TMPDIR:-${INFRAZEN_DATA:-/data}/tmp}"
export TMPDIR
mkdir -p "$TMPDIR"

case "${1:-web}" in
web)
    exec gunicorn --config docker/gunicorn.conf.py infrazen.wsgi:application
    ;;
worker)
    # A pool is for web processes: a worker's child holds one connection
    unset DB_POOL
    exec celery --quiet -A infrazen worker --concurrency "${WORKER_CONCURRENCY:-4}" --hostname "worker@%h"
    ;;
beat)
    unset DB_POOL
    exec celery --quiet -A infrazen beat --pidfile=
    ;;
setup)
    python manage.py check --deploy --fail-level ERROR
    python manage.py migrate --noinput
    exec python manage.py setup_schedules
    ;;
*)
    exec "$@"
    ;;
esac
