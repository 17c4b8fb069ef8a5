# Defines CAF::core. Looks only under CAF_ROOT when that is set (a CAF built for TSan, say).
if(CAF_ROOT)
  set(_caf_only NO_DEFAULT_PATH PATHS "${CAF_ROOT}")
endif()
find_path(CAF_INCLUDE_DIR caf/all.hpp PATH_SUFFIXES include ${_caf_only})
find_library(CAF_CORE_LIBRARY caf_core PATH_SUFFIXES lib ${_caf_only})
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CAF REQUIRED_VARS CAF_CORE_LIBRARY CAF_INCLUDE_DIR)
if(CAF_FOUND AND NOT TARGET CAF::core)
  add_library(CAF::core UNKNOWN IMPORTED)
  set_target_properties(CAF::core PROPERTIES
    IMPORTED_LOCATION "${CAF_CORE_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}")
endif()
