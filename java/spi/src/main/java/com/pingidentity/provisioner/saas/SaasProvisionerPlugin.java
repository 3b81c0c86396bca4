package com.pingidentity.provisioner.saas;

import com.pingidentity.provisioner.identity.SaasIdentity;
import com.pingidentity.provisioner.mapping.FieldConfig;
import com.pingidentity.provisioner.mapping.FieldInfo;
import com.pingidentity.provisioner.store.UserStoreUpdater;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.sourceid.saml20.adapter.conf.FieldList;
import org.sourceid.saml20.adapter.gui.FieldDescriptor;

/** The methods of a connector that the engine and the console call. */
public interface SaasProvisionerPlugin {
    String getId();

    String getDescription();

    String getSaasCode();

    String getSaasUsernameFieldCode() throws SaasException;

    List<FieldDescriptor> getParameterDescriptors();

    void setParameters(FieldList parameters);

    List<FieldInfo> getFieldsInfo() throws SaasException;

    Map<String, FieldConfig> createDefaultMapping(String directoryType, List<FieldInfo> fields) throws IOException;

    int getDefaultMaxThreads();

    int getDefaultTimeout();

    void startSession() throws SaasException;

    boolean isSessionStarted();

    void checkSession() throws SaasException;

    void stopSession() throws SaasException;

    void updateUser(SaasIdentity user, UserStoreUpdater store, String userGuid) throws SaasException;
}
