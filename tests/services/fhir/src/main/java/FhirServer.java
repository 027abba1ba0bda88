import ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.jpa.api.IDaoRegistry;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.config.ThreadPoolFactoryConfig;
import ca.uhn.fhir.jpa.batch2.JpaBatch2Config;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.config.util.HapiEntityManagerFactoryUtil;
import ca.uhn.fhir.jpa.dao.search.HSearchSortHelperImpl;
import ca.uhn.fhir.jpa.dao.search.IHSearchSortHelper;
import ca.uhn.fhir.jpa.model.config.PartitionSettings;
import ca.uhn.fhir.jpa.model.config.SubscriptionSettings;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirH2Dialect;
import ca.uhn.fhir.jpa.provider.DaoRegistryResourceSupportedSvc;
import ca.uhn.fhir.jpa.provider.IJpaSystemProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.jpa.search.IStaleSearchDeletingSvc;
import ca.uhn.fhir.jpa.search.StaleSearchDeletingSvcImpl;
import ca.uhn.fhir.jpa.subscription.channel.config.SubscriptionChannelConfig;
import ca.uhn.fhir.jpa.subscription.match.config.SubscriptionProcessorConfig;
import ca.uhn.fhir.jpa.subscription.match.deliver.email.IEmailSender;
import ca.uhn.fhir.jpa.subscription.submit.config.SubscriptionSubmitterConfig;
import ca.uhn.fhir.jpa.util.ResourceCountCache;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.api.IResourceSupportedSvc;
import ca.uhn.fhir.rest.server.HardcodedServerAddressStrategy;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.interceptor.RequestValidatingInterceptor;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import ca.uhn.fhir.validation.IInstanceValidatorModule;
import jakarta.persistence.EntityManagerFactory;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Properties;
import javax.sql.DataSource;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.h2.jdbcx.JdbcConnectionPool;
import org.hl7.fhir.r4.model.CodeSystem;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;
import org.springframework.transaction.PlatformTransactionManager;

/**
 * An R4 server for tests on 127.0.0.1, its data in one folder: {@code -Dport=… -Dfolder=… [-Dstrict=true]}.
 * A strict server validates every request and refuses what R4 does not allow (422).
 */
public final class FhirServer {
  public static void main(String[] arguments) throws Exception {
    var beans = new AnnotationConfigApplicationContext(Wiring.class);
    var server = new Server(new InetSocketAddress("127.0.0.1", Integer.getInteger("port")));
    var paths = new ServletContextHandler("/");
    paths.addServlet(new ServletHolder(new R4Servlet(beans)), "/fhir/*");
    server.setHandler(paths);
    server.start();
    server.join();
  }

  private static final class R4Servlet extends RestfulServer {
    private final transient ApplicationContext beans;

    R4Servlet(ApplicationContext beans) {
      super(beans.getBean(FhirContext.class));
      this.beans = beans;
    }

    @Override
    protected void initialize() {
      var address = "http://127.0.0.1:%d/fhir".formatted(Integer.getInteger("port"));
      setServerAddressStrategy(new HardcodedServerAddressStrategy(address));
      setDefaultResponseEncoding(EncodingEnum.JSON);
      registerProviders(beans.getBean(ResourceProviderFactory.class).createProviders());
      registerProvider(beans.getBean(IJpaSystemProvider.class));
      setPagingProvider(beans.getBean(DatabaseBackedPagingProvider.class));
      if (Boolean.getBoolean("strict")) {
        learnCodesNewerThanR4();
        var gate = new RequestValidatingInterceptor();
        gate.addValidatorModule(beans.getBean(IInstanceValidatorModule.class));
        registerInterceptor(gate);
      }
    }

    /** R4 carries the codes of 2018; HL7 Terminology has since learnt the mark of what software asserts. */
    private void learnCodesNewerThanR4() {
      var shipped = beans.getBean(DefaultProfileValidationSupport.class);
      var codes = (CodeSystem) shipped.fetchCodeSystem("http://terminology.hl7.org/CodeSystem/v3-ObservationValue");
      codes.addConcept().setCode("AIAST").setDisplay("Artificial Intelligence asserted");
    }
  }

  @Configuration
  @Import({
    JpaR4Config.class,
    ThreadPoolFactoryConfig.class,
    JpaBatch2Config.class,
    Batch2JobsConfig.class,
    SubscriptionSubmitterConfig.class,
    SubscriptionProcessorConfig.class,
    SubscriptionChannelConfig.class
  })
  static class Wiring {
    @Bean
    JpaStorageSettings storageSettings() {
      var settings = new JpaStorageSettings();
      settings.setResourceClientIdStrategy(JpaStorageSettings.ClientIdStrategyEnum.ALPHANUMERIC);
      settings.setAllowExternalReferences(true);
      settings.setHibernateSearchIndexFullText(false);
      return settings;
    }

    @Bean
    PartitionSettings partitionSettings() {
      return new PartitionSettings();
    }

    @Bean
    SubscriptionSettings subscriptionSettings() {
      return new SubscriptionSettings();
    }

    @Bean
    DataSource dataSource() {
      return JdbcConnectionPool.create("jdbc:h2:file:%s/fhir".formatted(System.getProperty("folder")), "sa", "");
    }

    @Bean
    LocalContainerEntityManagerFactoryBean entityManagerFactory(
        ConfigurableListableBeanFactory factory, FhirContext context, JpaStorageSettings settings, DataSource source) {
      var manager = HapiEntityManagerFactoryUtil.newEntityManagerFactory(factory, context, settings);
      manager.setPersistenceUnitName("fhir");
      manager.setDataSource(source);
      var properties = new Properties();
      properties.put("hibernate.dialect", HapiFhirH2Dialect.class.getName());
      properties.put("hibernate.hbm2ddl.auto", "update");
      properties.put("hibernate.search.enabled", "false");
      manager.setJpaProperties(properties);
      return manager;
    }

    @Bean
    @Primary
    PlatformTransactionManager transactionManager(EntityManagerFactory factory) {
      return new JpaTransactionManager(factory);
    }

    @Bean
    IEmailSender emailSender() {
      return email -> {};
    }

    @Bean("myResourceCountsCache")
    ResourceCountCache resourceCounts() {
      return new ResourceCountCache(Map::of);
    }

    @Bean
    IStaleSearchDeletingSvc staleSearches() {
      return new StaleSearchDeletingSvcImpl();
    }

    @Bean
    IHSearchSortHelper sortHelper(ISearchParamRegistry parameters) {
      return new HSearchSortHelperImpl(parameters);
    }

    @Bean
    IResourceSupportedSvc supportedResources(IDaoRegistry registry) {
      return new DaoRegistryResourceSupportedSvc(registry);
    }

    @Bean
    DatabaseBackedPagingProvider pages() {
      return new DatabaseBackedPagingProvider();
    }
  }
}
